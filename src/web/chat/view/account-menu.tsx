/** What belongs to the user: appearance, notifications, administration, logging out. */
import './account-menu.css';
import { Avatar } from '../../common/components/avatar.tsx';
import { BellIcon, LogOutIcon, MonitorIcon, MoonIcon, ShieldIcon, SunIcon } from '../../common/components/icons.tsx';
import { Menu, MenuGroup, MenuItem, MenuLine } from '../../common/components/menu.tsx';
import { texts } from '../../common/texts.ts';
import { chooseTheme, theme, themes } from '../../common/theme.ts';
import { useModel } from './context.ts';
import { notifications, switchNotifications } from './notifications.ts';

const says = texts.chat.account;
const faces = {
  system: { icon: <MonitorIcon />, label: texts.shared.themeSystem },
  light: { icon: <SunIcon />, label: texts.shared.themeLight },
  dark: { icon: <MoonIcon />, label: texts.shared.themeDark },
};

export function AccountMenu() {
  const model = useModel();
  const name = model.username.value ?? '';
  return (
    <Menu
      side="up"
      align="start"
      button={(ties) => (
        <button type="button" class="account" {...ties}>
          <Avatar name={name} size="1.75rem" />
          <span class="account-name">{name}</span>
          <span class="only-heard">{`, ${says.menu}`}</span>
        </button>
      )}
    >
      <MenuGroup label={says.signedInAs(name)}>
        <NotificationItem />
        {model.isSuperuser.value && (
          <MenuItem icon={<ShieldIcon />} href="admin">
            {says.administration}
          </MenuItem>
        )}
      </MenuGroup>
      <MenuLine />
      <MenuGroup label={texts.shared.theme}>
        {themes.map((one) => (
          <MenuItem
            key={one}
            icon={faces[one].icon}
            isRadio
            isChecked={theme.value === one}
            onChoose={() => chooseTheme(one)}
          >
            {faces[one].label}
          </MenuItem>
        ))}
      </MenuGroup>
      <MenuLine />
      <MenuItem icon={<LogOutIcon />} onChoose={() => void model.logout()}>
        {says.logout}
      </MenuItem>
    </Menu>
  );
}

function NotificationItem() {
  const state = notifications.value;
  if (state === 'impossible') return null;
  return (
    <MenuItem icon={<BellIcon />} isChecked={state === 'on'} onChoose={() => void switchNotifications()}>
      {state === 'denied' ? says.notificationsDenied : says.notifications}
    </MenuItem>
  );
}
